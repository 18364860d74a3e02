/* A program whose chain stands in a file that may be edited while it runs: reloading CHAIN
 * Sends a GET to each URL that it reads. A file that is broken leaves the chain that was there. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <viesti.h>

/* Whether the file is another one than the last time. */
static int has_changed(const char *path, struct stat *before) {
  struct stat now;
  if (stat(path, &now) != 0)
    return 0;
  int changed = now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
                now.st_mtim.tv_nsec != before->st_mtim.tv_nsec || now.st_size != before->st_size ||
                now.st_ino != before->st_ino;
  *before = now;
  return changed;
}

static void get(viesti *relay, const char *url) {
  viesti_request request = {.size = sizeof request, .url = url};
  viesti_response *response;
  if (viesti_send(relay, &request, &response) != VIESTI_OK) {
    printf("%s\n", viesti_last_error(relay));
    return;
  }
  printf("%d\n", viesti_response_status(response));
  viesti_response_release(response);
}

int main(int argc, char **argv) {
  struct stat seen = {0};
  char url[1000];
  viesti *relay;
  if (argc != 2 || viesti_open(&relay, NULL) != VIESTI_OK) {
    fprintf(stderr, "usage: reloading CHAIN\n");
    return 2;
  }
  while (fgets(url, sizeof url, stdin)) {
    url[strcspn(url, "\n")] = '\0';
    if (has_changed(argv[1], &seen) && viesti_load_file(relay, argv[1]) != VIESTI_OK)
      printf("%s\n", viesti_last_error(relay));
    get(relay, url);
    fflush(stdout);
  }
  viesti_close(relay);
  return 0;
}
