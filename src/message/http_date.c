#include "message/http_date.h"

static const char *const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char *const DAYS = "SunMonTueWedThuFriSat";
static const char *const LONG_DAYS[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

enum { SECONDS_PER_DAY = 86400 };

typedef struct date {
  int64_t year;
  int month, day, hour, minute, second;
} date;

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar; the year is shifted to
 * start in March so that the leap day is the last of it. */
static int64_t days_from_date(int64_t year, int month, int day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, date *out) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted_month = (5 * day_of_year + 2) / 153;
  out->day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  out->month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  out->year = year_of_era + era * 400 + (out->month <= 2);
}

static bool is_leap(int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int64_t year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static bool is_valid(const date *d) {
  /* 60 is a leap second (RFC 9110 5.6.7). */
  return d->month >= 1 && d->month <= 12 && d->day >= 1 &&
         d->day <= days_in_month(d->year, d->month) && d->hour <= 23 && d->minute <= 59 &&
         d->second <= 60;
}

static int64_t to_seconds(const date *d) {
  return days_from_date(d->year, d->month, d->day) * SECONDS_PER_DAY + d->hour * 3600 +
         d->minute * 60 + d->second;
}

/* A position in the text; each take_* consumes what it matches or turns `ok` off for good. */
typedef struct reader {
  vi_text rest;
  bool ok;
} reader;

/* In any case (RFC 9111 4.2), though those who write dates must keep to one. */
static void take_literal(reader *in, const char *literal) {
  vi_text wanted = vi_text_of(literal);
  in->ok = in->ok && vi_text_starts_nocase(in->rest, wanted);
  if (in->ok)
    in->rest = (vi_text){in->rest.data + wanted.length, in->rest.length - wanted.length};
}

static int take_digits(reader *in, size_t count) {
  int value = 0;
  in->ok = in->ok && in->rest.length >= count;
  for (size_t i = 0; in->ok && i < count; i++) {
    char c = in->rest.data[i];
    in->ok = c >= '0' && c <= '9';
    value = value * 10 + (c - '0');
  }
  if (in->ok)
    in->rest = (vi_text){in->rest.data + count, in->rest.length - count};
  return in->ok ? value : 0;
}

/* One of the three-letter names in `names`; returns its number from 1. */
static int take_short_name(reader *in, const char *names) {
  for (int i = 0; in->ok && names[i * 3] != '\0'; i++)
    if (vi_text_starts_nocase(in->rest, (vi_text){names + (size_t)i * 3, 3})) {
      in->rest = (vi_text){in->rest.data + 3, in->rest.length - 3};
      return i + 1;
    }
  in->ok = false;
  return 0;
}

static void take_time(reader *in, date *d) {
  d->hour = take_digits(in, 2);
  take_literal(in, ":");
  d->minute = take_digits(in, 2);
  take_literal(in, ":");
  d->second = take_digits(in, 2);
}

static bool finished(const reader *in) {
  return in->ok && in->rest.length == 0;
}

static bool parse_imf_fixdate(vi_text text, date *d) {
  reader in = {text, true};
  take_short_name(&in, DAYS);
  take_literal(&in, ", ");
  d->day = take_digits(&in, 2);
  take_literal(&in, " ");
  d->month = take_short_name(&in, MONTHS);
  take_literal(&in, " ");
  d->year = take_digits(&in, 4);
  take_literal(&in, " ");
  take_time(&in, d);
  take_literal(&in, " GMT");
  return finished(&in);
}

static void take_long_day(reader *in) {
  for (size_t i = 0; i < sizeof LONG_DAYS / sizeof *LONG_DAYS; i++) {
    reader attempt = *in;
    take_literal(&attempt, LONG_DAYS[i]);
    if (attempt.ok) {
      *in = attempt;
      return;
    }
  }
  in->ok = false;
}

static bool parse_rfc850(vi_text text, int64_t now, date *d) {
  reader in = {text, true};
  take_long_day(&in);
  take_literal(&in, ", ");
  d->day = take_digits(&in, 2);
  take_literal(&in, "-");
  d->month = take_short_name(&in, MONTHS);
  take_literal(&in, "-");
  int two_digits = take_digits(&in, 2);
  take_literal(&in, " ");
  take_time(&in, d);
  take_literal(&in, " GMT");
  date today;
  date_from_days(now / SECONDS_PER_DAY, &today);
  d->year = today.year - today.year % 100 + two_digits;
  if (d->year > today.year + 50)
    d->year -= 100;
  else if (d->year <= today.year - 50)
    d->year += 100;
  return finished(&in);
}

static bool parse_asctime(vi_text text, date *d) {
  reader in = {text, true};
  take_short_name(&in, DAYS);
  take_literal(&in, " ");
  d->month = take_short_name(&in, MONTHS);
  take_literal(&in, " ");
  bool padded = in.ok && in.rest.length > 0 && in.rest.data[0] == ' ';
  if (padded)
    take_literal(&in, " ");
  d->day = take_digits(&in, padded ? 1 : 2);
  take_literal(&in, " ");
  take_time(&in, d);
  take_literal(&in, " ");
  d->year = take_digits(&in, 4);
  return finished(&in);
}

bool vi_http_date_parse(vi_text text, int64_t now, int64_t *seconds) {
  date d = {0};
  if (!parse_imf_fixdate(text, &d) && !parse_rfc850(text, now, &d) && !parse_asctime(text, &d))
    return false;
  if (!is_valid(&d))
    return false;
  *seconds = to_seconds(&d);
  return true;
}
