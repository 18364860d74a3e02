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

static void run(const char *path) {
  size_t length;
  uint8_t *bytes = read_file(path, &length);
  fprintf(stderr, "%s\n", path); /* the last one is shown where it fails */
  LLVMFuzzerTestOneInput(bytes, length);
  free(bytes);
}

int main(int count, char **paths) {
  enum { ROUNDS = 3 }; /* so that what grows from one to the next is seen */
  printf("1..1\n");
  if (LLVMFuzzerInitialize)
    LLVMFuzzerInitialize(&count, &paths);
  for (int round = 0; round < ROUNDS; round++)
    for (int i = 1; i < count; i++)
      run(paths[i]);
  PROMISE(count > 1);
  printf("ok 1 - keeps its promises for all that is kept\n");
  return 0;
}
