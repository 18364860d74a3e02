/* The response part of viesti.h: a viesti_response is the core's vi_response under another name. */
#include "message/response.h"

#include "viesti.h"

static const vi_response *core_of(const viesti_response *response) {
  return (const vi_response *)response;
}

static viesti_bytes bytes_of(vi_text text) {
  return (viesti_bytes){text.data, text.length};
}

int viesti_response_status(const viesti_response *response) {
  return core_of(response)->status;
}

viesti_bytes viesti_response_url(const viesti_response *response) {
  return bytes_of(vi_buffer_text(&core_of(response)->url));
}

viesti_bytes viesti_response_body(const viesti_response *response) {
  return bytes_of(vi_response_body(core_of(response)));
}

viesti_bytes viesti_response_header(const viesti_response *response, const char *name) {
  vi_text value;
  vi_headers_get(&core_of(response)->headers, vi_text_of(name), &value);
  return bytes_of(value);
}

size_t viesti_response_header_count(const viesti_response *response) {
  return core_of(response)->headers.count;
}

int viesti_response_header_at(const viesti_response *response, size_t index, viesti_bytes *name,
                              viesti_bytes *value) {
  const vi_headers *headers = &core_of(response)->headers;
  if (index >= headers->count)
    return 0;
  if (name)
    *name = bytes_of(vi_headers_name(headers, index));
  if (value)
    *value = bytes_of(vi_headers_value(headers, index));
  return 1;
}

viesti_response *viesti_response_retain(viesti_response *response) {
  return response ? (viesti_response *)vi_response_retain((vi_response *)response) : NULL;
}

void viesti_response_release(viesti_response *response) {
  vi_response_release((vi_response *)response);
}
