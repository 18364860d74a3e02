/* A program whose chain stands in a file that may be edited while it runs: reloading CHAIN
 * Sends a GET to each URL that it reads. A file that is broken leaves the chain that was there, and
 * what the file names again, such as a store, is kept. */
#include <stdio.h>
#include <string.h>
#include <viesti.h>

static void get(viesti *relay, const char *url) {
  viesti_request request = {.size = sizeof request, .url = url};
  viesti_response *response;
  if (viesti_send(relay, &request, &response) != VIESTI_OK) {
    printf("%s\n", viesti_last_error(relay));
    return;
  }
  printf("%d\n", viesti_response_status_code(response));
  viesti_response_release(response);
}

int main(int argc, char **argv) {
  char url[1000];
  viesti *relay;
  if (argc != 2 || viesti_open(&relay, NULL) != VIESTI_OK) {
    fprintf(stderr, "usage: reloading CHAIN\n");
    return 2;
  }
  if (viesti_load_file(relay, argv[1]) != VIESTI_OK)
    printf("%s\n", viesti_last_error(relay));
  while (fgets(url, sizeof url, stdin)) {
    url[strcspn(url, "\n")] = '\0';
    if (viesti_reload(relay) != VIESTI_OK)
      printf("%s\n", viesti_last_error(relay));
    get(relay, url);
    fflush(stdout);
  }
  viesti_close(relay);
  return 0;
}
