/* cache/freshness: age and lifetime (RFC 9111 4.2). */
#include "cache/freshness.h"

#include "entries.h"
#include "tap.h"

#include <stdio.h>

static vi_freshness freshness_of(const vi_policy *policy, int status, const char *fields) {
  return vi_freshness_of(policy, response_with(status, fields, ""), NOW, NOW);
}

static double lifetime(const char *fields) {
  return freshness_of(&SHARED, 200, fields).lifetime;
}

static double age_then(const char *fields) {
  return freshness_of(&SHARED, 200, fields).initial_age;
}

IT("4.2.1: prefers s-maxage, then max-age, then Expires") {
  check_double(lifetime(DATE "Cache-Control: s-maxage=10, max-age=20\nExpires: " LATER), 10);
  check_double(lifetime(DATE "Cache-Control: max-age=20\nExpires: " LATER), 20);
  check_double(lifetime(DATE "Expires: " LATER), 60);
}

IT("5.2.2.10: heeds s-maxage in a shared cache only") {
  const char *both = "Cache-Control: s-maxage=10, max-age=20";
  check_double(freshness_of(&PRIVATE, 200, both).lifetime, 20);
  check_double(freshness_of(&PRIVATE, 200, "Cache-Control: s-maxage=10").lifetime, 0);
}

IT("4.2.1: counts Expires from Date, and from the arrival where there is no Date") {
  check_double(lifetime("Date: " EARLIER "\nExpires: " LATER), 120);
  check_double(lifetime("Expires: " LATER), 60);
  check_double(lifetime("Date: rubbish\nExpires: " LATER), 60);
}

IT("5.3: takes an Expires in the past, invalid or repeated for stale") {
  check_double(lifetime(DATE "Expires: " EARLIER), 0);
  check_double(lifetime(DATE "Expires: 0"), 0);
  check_double(lifetime(DATE "Expires: -1"), 0);
  check_double(lifetime(DATE "Expires:"), 0);
  check_double(lifetime(DATE "Expires: " LATER "\nExpires: " LATER), 0);
}

IT("4.2.1: does not fall back on Expires when max-age is invalid") {
  check_double(lifetime(DATE "Cache-Control: max-age=x\nExpires: " LATER), 0);
}

IT("knows what the server says from what is only a guess") {
  check(freshness_of(&SHARED, 200, "Cache-Control: max-age=0").is_explicit);
  check(freshness_of(&SHARED, 200, "Expires: 0").is_explicit);
  check(freshness_of(&SHARED, 200, "Cache-Control: s-maxage=1").is_explicit);
  check(!freshness_of(&PRIVATE, 200, "Cache-Control: s-maxage=1").is_explicit);
  check(!freshness_of(&SHARED, 200, "Cache-Control: public\nLast-Modified: " EARLIER).is_explicit);
}

IT("4.2.2: guesses no lifetime where nobody asked for guesses") {
  check_double(lifetime(DATE "Last-Modified: " EARLIER), 0);
}

static double guessed(double heuristic, int status, const char *fields) {
  const vi_policy policy = {.shared = true, .heuristic = heuristic};
  return freshness_of(&policy, status, fields).lifetime;
}

IT("4.2.2: guesses a part of the time since Last-Modified") {
  check_double(guessed(0.1, 200, DATE "Last-Modified: " EARLIER), 6);
  check_double(guessed(0.5, 200, "Date: " LATER "\nLast-Modified: " EARLIER), 60);
  check_double(guessed(0.5, 200, "Last-Modified: " EARLIER), 30);
}

IT("4.2.2: guesses a day at most") {
  check_double(guessed(0.1, 200, DATE "Last-Modified: Sat, 06 Nov 1993 08:49:37 GMT"), 86400);
  check_double(guessed(0.1, 200, DATE "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT"), 86400);
}

IT("4.2.2: guesses nothing by no Last-Modified, one that is no date or one to come") {
  check_double(guessed(0.1, 200, DATE), 0);
  check_double(guessed(0.1, 200, DATE "Last-Modified: yesterday"), 0);
  check_double(guessed(0.1, 200, DATE "Last-Modified:"), 0);
  check_double(guessed(0.1, 200, DATE "Last-Modified: " LATER), 0);
}

IT("4.2.2: guesses nothing where the server says how long, though it says it wrongly") {
  check_double(guessed(0.1, 200, DATE "Last-Modified: " EARLIER "\nCache-Control: max-age=1"), 1);
  check_double(guessed(0.1, 200, DATE "Last-Modified: " EARLIER "\nCache-Control: max-age=x"), 0);
  check_double(guessed(0.1, 200, DATE "Last-Modified: " EARLIER "\nExpires: 0"), 0);
}

IT("4.2.2: guesses for statuses that are cacheable by themselves, and for what is public") {
  const int cacheable[] = {200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501};
  const int others[] = {201, 202, 205, 302, 303, 307, 400, 403, 500, 503};
  const char *fields = DATE "Last-Modified: " EARLIER;
  for (size_t i = 0; i < sizeof cacheable / sizeof *cacheable; i++) {
    check(vi_status_is_heuristically_cacheable(cacheable[i]));
    check_double(guessed(0.1, cacheable[i], fields), 6);
  }
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    check(!vi_status_is_heuristically_cacheable(others[i]));
    check_double(guessed(0.1, others[i], fields), 0);
    check_double(guessed(0.1, others[i], DATE "Cache-Control: public\nLast-Modified: " EARLIER), 6);
  }
}

static vi_freshness targeted(const char *fields) {
  static const vi_text targets[] = {{"Mine", 4}, {"CDN-Cache-Control", 17}};
  const vi_policy policy = {
      .shared = true, .heuristic = 0.1, .targets = targets, .target_count = 2};
  return freshness_of(&policy, 200, fields);
}

IT("RFC 9213 2.2: goes by the first targeted field that is valid, and by no Cache-Control then") {
  vi_freshness out = targeted("Cache-Control: no-store, max-age=1\nCDN-Cache-Control: max-age=2\n"
                              "Mine: max-age=3");
  check_double(out.lifetime, 3);
  check(!out.control.no_store);
  check_double(targeted("CDN-Cache-Control: max-age=2\nMine: max-age=3,").lifetime, 2);
  check_double(targeted("Cache-Control: max-age=1\nMine: x=").lifetime, 1);
}

IT("RFC 9213 2.2: does not count Expires where there is a targeted field, but may guess") {
  check_double(targeted(DATE "Mine: public\nExpires: " LATER).lifetime, 0);
  check_double(targeted(DATE "Mine: public\nExpires: " LATER "\nLast-Modified: " EARLIER).lifetime,
               6);
  check_double(targeted(DATE "Mine: ,\nExpires: " LATER).lifetime, 60);
}

IT("4.2.3: is as old on arrival as Age and the time under way say together") {
  check_double(age_then(DATE), 0);
  check_double(age_then(DATE "Age: 30"), 30);
  vi_response *response = response_with(200, DATE "Age: 30", "");
  check_double(vi_freshness_of(&SHARED, response, NOW - 5, NOW).initial_age, 35);
}

IT("4.2.3: is at least as old as its Date says, and no younger than nothing") {
  check_double(age_then("Date: " EARLIER), 60);
  check_double(age_then("Date: " EARLIER "\nAge: 30"), 60);
  check_double(age_then("Date: " EARLIER "\nAge: 90"), 90);
  check_double(age_then("Date: " LATER), 0);
  check_double(age_then("Date: rubbish"), 0);
}

IT("4.2.3: is not made older by the fraction of a second that Date cannot say") {
  vi_response *response = response_with(200, DATE, "");
  check_double(vi_freshness_of(&SHARED, response, NOW + 0.9, NOW + 0.9).initial_age, 0);
}

IT("4.2.3: does not count time under way that a clock put back makes negative") {
  vi_response *response = response_with(200, DATE "Age: 30", "");
  check_double(vi_freshness_of(&SHARED, response, NOW, NOW - 1000).initial_age, 30);
}

IT("5.1: goes by the first of several Ages and ignores an invalid one") {
  check_double(age_then(DATE "Age: 30, 40"), 30);
  check_double(age_then(DATE "Age: 30\nAge: 40"), 30);
  const char *invalid[] = {"-5", "1.5", "", "x", ",", "\"30\"", "30 40", "0x10"};
  for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
    char fields[80];
    snprintf(fields, sizeof fields, DATE "Age: %s", invalid[i]);
    tap_at("%s", fields);
    check_double(age_then(fields), 0);
  }
}

IT("1.2.2: takes an Age larger than any number for a large one") {
  check(age_then(DATE "Age: 99999999999999999999") > 2147483648.0);
}
