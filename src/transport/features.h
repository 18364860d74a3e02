/* What the libcurl below can do. */
#ifndef VI_TRANSPORT_FEATURES_H
#define VI_TRANSPORT_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

/* The name of feature `index`, counted from 0, NULL behind the last; and whether it is there. */
const char *vi_feature_name(size_t index);
bool vi_feature_is_there(size_t index);

#endif
