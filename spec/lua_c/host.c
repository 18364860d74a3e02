#include "host.h"

#include <stdio.h>

static void stop(void *server) {
  origin_stop(server);
}

origin *host_serve(const origin_answer *answers, size_t count) {
  origin *server = origin_start(answers, count);
  tap_defer(stop, server);
  check(server);
  return server;
}

origin *host_serve_hello(void) {
  static const origin_answer answers[] = {
      {.bytes = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 5\r\n\r\nhello",
       .then = ORIGIN_KEEP}};
  return host_serve(answers, 1);
}

const char *host_url(const origin *server) {
  static _Thread_local char url[60];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", origin_port(server));
  return url;
}

static void close_runtime(void *runtime) {
  viesti_close(runtime);
}

viesti *host_open(const char *source) {
  viesti *runtime = NULL;
  bool opened = viesti_open(&runtime, NULL) == VIESTI_OK &&
                (!source || viesti_load(runtime, source, NULL) == VIESTI_OK);
  if (!check(opened))
    printf("# %s\n", viesti_last_error(runtime));
  tap_defer(close_runtime, runtime);
  return opened ? runtime : NULL;
}

void host_note(void *context, const viesti_outcome *outcome) {
  told *about = context;
  about->times++;
  about->how = outcome->status;
  about->status = outcome->response ? viesti_response_status_code(outcome->response) : 0;
  about->maybe_sent = outcome->maybe_sent;
  snprintf(about->kind, sizeof about->kind, "%s", outcome->kind);
  snprintf(about->error, sizeof about->error, "%s", outcome->error);
}

viesti_ticket host_get(viesti *runtime, const char *url, told *about) {
  viesti_request request = {.size = sizeof request, .url = url};
  viesti_ticket ticket = 0;
  check_int(viesti_submit(runtime, &request, host_note, about, &ticket), VIESTI_OK);
  return ticket;
}

int host_send(viesti *runtime, const char *url) {
  viesti_request request = {.size = sizeof request, .url = url};
  viesti_response *response;
  if (viesti_send(runtime, &request, &response) != VIESTI_OK)
    return 0;
  int status = viesti_response_status_code(response);
  viesti_response_release(response);
  return status;
}

void host_finish(viesti *runtime) {
  for (int i = 0; i < 5000 && viesti_pending(runtime) > 0; i++)
    viesti_step(runtime, 10);
  check_int(viesti_pending(runtime), 0);
}
