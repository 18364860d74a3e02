/* viesti's version, which the Makefile reads here. */
#ifndef VI_BINDING_VERSION_H
#define VI_BINDING_VERSION_H

#define VI_VERSION "0.1.0"

#endif
