// Preloaded beside a sanitizer's runtime: keeps it in this process and out of its children.
#include <stdlib.h>

__attribute__((constructor)) static void unpreload(void) {
  unsetenv("LD_PRELOAD");
}
