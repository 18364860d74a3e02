/* message/http_date: RFC 9110 5.6.7's dates. */
#include "message/http_date.h"

#include "tap.h"

#include <time.h>

static const int64_t NOW = 1785542400;     /* Sat, 01 Aug 2026 00:00:00 GMT */
static const int64_t EXAMPLE = 784111777;  /* the date that RFC 9110 writes in three ways */
static const int64_t NO_DATE = -123456789; /* what `parsed` gives for none */

static int64_t parsed_at(const char *text, int64_t now) {
  int64_t seconds;
  return vi_http_date_parse(vi_text_of(text), now, &seconds) ? seconds : NO_DATE;
}

static int64_t parsed(const char *text) {
  return parsed_at(text, NOW);
}

static void check_none(const char *const *texts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    tap_at("'%s'", texts[i]);
    check_int(parsed(texts[i]), NO_DATE);
  }
}

IT("reads RFC 9110's example in its three formats") {
  check_int(parsed("Sun, 06 Nov 1994 08:49:37 GMT"), EXAMPLE);
  check_int(parsed("Sunday, 06-Nov-94 08:49:37 GMT"), EXAMPLE);
  check_int(parsed("Sun Nov  6 08:49:37 1994"), EXAMPLE);
}

IT("reads them in any case, as a cache should (RFC 9111 4.2)") {
  check_int(parsed("sun, 06 NOV 1994 08:49:37 gMT"), EXAMPLE);
  check_int(parsed("SUNDAY, 06-nov-94 08:49:37 gmt"), EXAMPLE);
  check_int(parsed("SUN nov  6 08:49:37 1994"), EXAMPLE);
}

IT("reads an asctime day of one digit and of two") {
  check_int(parsed("Wed Nov 16 08:49:37 1994"), EXAMPLE + 10 * 86400);
  check_int(parsed("Sun Nov 6 08:49:37 1994"), NO_DATE);
  check_int(parsed("Sun Nov 06 08:49:37 1994"), EXAMPLE);
}

IT("reads dates before 1970 and far ahead") {
  check_int(parsed("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  check_int(parsed("Wed, 31 Dec 1969 23:59:59 GMT"), -1);
  check_int(parsed("Fri, 31 Dec 9999 23:59:59 GMT"), 253402300799);
  check_int(parsed("Tue, 19 Jan 2038 03:14:08 GMT"), 2147483648);
}

IT("knows leap days, of centuries too") {
  check_int(parsed("Thu, 29 Feb 2024 00:00:00 GMT"), 1709164800);
  check_int(parsed("Tue, 29 Feb 2000 00:00:00 GMT"), 951782400);
  check_int(parsed("Mon, 29 Feb 2100 00:00:00 GMT"), NO_DATE);
  check_int(parsed("Wed, 29 Feb 2023 00:00:00 GMT"), NO_DATE);
}

IT("knows the length of each month") {
  const char *const ok[] = {"Sat, 31 Jan 2026 00:00:00 GMT", "Thu, 30 Apr 2026 00:00:00 GMT",
                            "Tue, 30 Jun 2026 00:00:00 GMT", "Wed, 30 Sep 2026 00:00:00 GMT",
                            "Mon, 30 Nov 2026 00:00:00 GMT", "Thu, 31 Dec 2026 00:00:00 GMT"};
  const char *const wrong[] = {"Sun, 32 Jan 2026 00:00:00 GMT", "Sun, 31 Apr 2026 00:00:00 GMT",
                               "Sun, 31 Jun 2026 00:00:00 GMT", "Sun, 31 Sep 2026 00:00:00 GMT",
                               "Sun, 31 Nov 2026 00:00:00 GMT", "Sun, 00 Jan 2026 00:00:00 GMT"};
  for (size_t i = 0; i < sizeof ok / sizeof *ok; i++)
    check(parsed(ok[i]) != NO_DATE);
  check_none(wrong, sizeof wrong / sizeof *wrong);
}

IT("allows a leap second and no other 60") {
  check_int(parsed("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800);
  const char *const wrong[] = {"Sat, 31 Dec 2016 23:59:61 GMT", "Sat, 31 Dec 2016 23:60:00 GMT",
                               "Sat, 31 Dec 2016 24:00:00 GMT"};
  check_none(wrong, sizeof wrong / sizeof *wrong);
}

IT("takes a two-digit year more than fifty years ahead for the past one") {
  check_int(parsed("Friday, 01-Jan-27 00:00:00 GMT"), parsed("Fri, 01 Jan 2027 00:00:00 GMT"));
  check_int(parsed("Wednesday, 01-Jan-76 00:00:00 GMT"), parsed("Wed, 01 Jan 2076 00:00:00 GMT"));
  check_int(parsed("Saturday, 01-Jan-77 00:00:00 GMT"), parsed("Sat, 01 Jan 1977 00:00:00 GMT"));
  check_int(parsed_at("Saturday, 01-Jan-77 00:00:00 GMT", parsed("Thu, 01 Jan 2032 00:00:00 GMT")),
            parsed("Fri, 01 Jan 2077 00:00:00 GMT"));
}

IT("reads exactly: nothing before, between or behind") {
  const char *const wrong[] = {
      "",
      "Sun",
      " Sun, 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 GMT ",
      "Sun, 06 Nov 1994 08:49:37 GMTx",
      "Sun,  06 Nov 1994 08:49:37 GMT",
      "Sun 06 Nov 1994 08:49:37 GMT",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 94 08:49:37 GMT",
      "Sun, 06 Nov 1994 8:49:37 GMT",
      "Sun, 06 Nov 1994 08:49 GMT",
      "Sun, 06 Nov 1994 08:49:37",
      "Sunday, 06-Nov-1994 08:49:37 GMT",
      "Sun, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994 GMT",
      "Sun Nov  6 08:49:37 94",
  };
  check_none(wrong, sizeof wrong / sizeof *wrong);
}

IT("takes no other zone, no other words and no numbers for a date") {
  const char *const wrong[] = {
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 +0000",
      "Sun, 06 Nov 1994 08:49:37 PST",
      "Abc, 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Abc 1994 08:49:37 GMT",
      "Sun, 06 Nov -994 08:49:37 GMT",
      "Sun, +6 Nov 1994 08:49:37 GMT",
      "1994-11-06T08:49:37Z",
      "0",
      "-1",
      "784111777",
  };
  check_none(wrong, sizeof wrong / sizeof *wrong);
}

IT("reads the dates that the C library writes, over the years 1900 to 2300") {
  size_t wrong = 0;
  for (int64_t seconds = -2208988800; seconds < 10413792000; seconds += 86400 * 3 + 12345) {
    char text[64];
    time_t moment = (time_t)seconds;
    struct tm broken_down;
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&moment, &broken_down));
    wrong += parsed(text) != seconds;
  }
  check_int(wrong, 0);
}

IT("reads a two-digit year as the nearest, into the next century too") {
  int64_t now, near, expected;
  check(vi_http_date_parse(VI_TEXT("Sat, 06 Nov 2060 08:49:37 GMT"), 0, &now));
  check(vi_http_date_parse(VI_TEXT("Thursday, 06-Nov-10 08:49:37 GMT"), now, &near));
  check(vi_http_date_parse(VI_TEXT("Thu, 06 Nov 2110 08:49:37 GMT"), 0, &expected));
  check_int(near, expected);
  check(vi_http_date_parse(VI_TEXT("Thursday, 06-Nov-11 08:49:37 GMT"), now, &near));
  check(vi_http_date_parse(VI_TEXT("Sun, 06 Nov 2011 08:49:37 GMT"), 0, &expected));
  check_int(near, expected);
}
