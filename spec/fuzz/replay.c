/* Runs a fuzz target over the files named, as TAP: what was found once stays found. */
#include "fuzz.h"

static uint8_t *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  PROMISE(file);
  PROMISE(fseek(file, 0, SEEK_END) == 0);
  long size = ftell(file);
  PROMISE(size >= 0);
  rewind(file);
  /* Exactly as large as the input, so that a sanitizer sees a read behind its end. */
  uint8_t *bytes = malloc(size > 0 ? (size_t)size : 1);
  PROMISE(bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size);
  fclose(file);
  *length = (size_t)size;
  return bytes;
}

int main(int count, char **paths) {
  printf("1..1\n");
  for (int i = 1; i < count; i++) {
    size_t length;
    uint8_t *bytes = read_file(paths[i], &length);
    fprintf(stderr, "%s\n", paths[i]); /* the last one is shown where it fails */
    LLVMFuzzerTestOneInput(bytes, length);
    free(bytes);
  }
  PROMISE(count > 1);
  printf("ok 1 - keeps its promises for all that is kept\n");
  return 0;
}
