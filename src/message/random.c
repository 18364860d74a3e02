#include "message/random.h"

#include <fcntl.h>
#include <unistd.h>

/* The device is everywhere, and few want more than a handful of bytes. */
bool vi_random_fill(unsigned char *bytes, size_t count) {
  int device = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  ssize_t got = device < 0 ? -1 : read(device, bytes, count);
  if (device >= 0)
    close(device);
  return got == (ssize_t)count;
}
