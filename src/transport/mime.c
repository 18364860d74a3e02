#include "transport/mime.h"

#include "message/memory.h"

static size_t read_part(char *to, size_t size, size_t count, void *user) {
  vi_mime_cursor *cursor = user;
  ssize_t got = vi_part_read(cursor->part, cursor->offset, to, size * count);
  cursor->begun = true;
  if (got < 0) {
    vi_error_set(cursor->error, VI_ERROR_SCRIPT,
                 "the file of the part '%.60s' cannot be read to the end that it had",
                 cursor->part->name.data);
    return CURL_READFUNC_ABORT;
  }
  cursor->offset += got;
  return (size_t)got;
}

static int seek_part(void *user, curl_off_t offset, int origin) {
  vi_mime_cursor *cursor = user;
  if (origin != SEEK_SET || (cursor->begun && !cursor->again))
    return CURL_SEEKFUNC_FAIL;
  cursor->offset = offset;
  return CURL_SEEKFUNC_OK;
}

static bool set_fields(curl_mimepart *to, const vi_headers *headers) {
  struct curl_slist *lines = NULL;
  vi_buffer line = {0};
  bool ok = true;
  for (size_t i = 0; ok && i < headers->count; i++) {
    vi_buffer_clear(&line);
    ok = vi_buffer_append_text(&line, vi_headers_name(headers, i)) &&
         vi_buffer_append_text(&line, VI_TEXT(": ")) &&
         vi_buffer_append_text(&line, vi_headers_value(headers, i)) && vi_buffer_terminate(&line);
    struct curl_slist *longer = ok ? curl_slist_append(lines, line.data) : NULL;
    lines = longer ? longer : lines;
    ok = longer != NULL;
  }
  vi_buffer_free(&line);
  if (lines && curl_mime_headers(to, lines, 1) == CURLE_OK) /* the part frees them */
    return ok;
  curl_slist_free_all(lines);
  return ok && headers->count == 0;
}

static bool set_part(curl_mimepart *to, vi_mime_cursor *cursor) {
  const vi_part *part = cursor->part;
  return to && curl_mime_name(to, part->name.data) == CURLE_OK &&
         (part->filename.length == 0 || curl_mime_filename(to, part->filename.data) == CURLE_OK) &&
         (part->type.length == 0 || curl_mime_type(to, part->type.data) == CURLE_OK) &&
         set_fields(to, &part->headers) &&
         curl_mime_data_cb(to, part->length, read_part, seek_part, NULL, cursor) == CURLE_OK;
}

bool vi_mime_set(vi_mime *mime, CURL *easy, const vi_multipart *multipart, bool again,
                 vi_error *error) {
  mime->mime = curl_mime_init(easy);
  mime->cursors = vi_calloc((multipart->count + 1) * sizeof *mime->cursors);
  if (!mime->mime || !mime->cursors)
    return false;
  for (size_t i = 0; i < multipart->count; i++) {
    mime->cursors[i] =
        (vi_mime_cursor){.part = &multipart->parts[i], .again = again, .error = error};
    if (!set_part(curl_mime_addpart(mime->mime), &mime->cursors[i]))
      return false;
  }
  return curl_easy_setopt(easy, CURLOPT_MIMEPOST, mime->mime) == CURLE_OK;
}

void vi_mime_unset(vi_mime *mime, CURL *easy) {
  if (mime->mime)
    curl_easy_setopt(easy, CURLOPT_MIMEPOST, NULL);
  curl_mime_free(mime->mime);
  vi_free(mime->cursors);
  *mime = (vi_mime){0};
}
