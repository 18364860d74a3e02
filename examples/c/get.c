/* Sends one GET through a chain and prints what came back: get URL */
#include <stdio.h>
#include <viesti.h>

static const char *const CHAIN = "return chain {"
                                 "  CachingSender { max_size = 100 },"
                                 "  RetryingSender { retries = 2 },"
                                 "  SyncSender { timeout = 10 },"
                                 "}";

static int get(viesti *relay, const char *url) {
  viesti_request request = {.size = sizeof request, .url = url};
  viesti_response *response;
  if (viesti_load(relay, CHAIN, "=chain") != VIESTI_OK ||
      viesti_send(relay, &request, &response) != VIESTI_OK) {
    fprintf(stderr, "%s\n", viesti_last_error(relay));
    return 1;
  }
  viesti_bytes body = viesti_response_body(response);
  printf("%d\n%.*s\n", viesti_response_status_code(response), (int)body.length, body.data);
  viesti_response_release(response);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: get URL\n");
    return 2;
  }
  viesti *relay;
  int status = 2;
  if (viesti_open(&relay, NULL) == VIESTI_OK)
    status = get(relay, argv[1]);
  else
    fprintf(stderr, "%s\n", viesti_last_error(relay));
  viesti_close(relay);
  return status;
}
