/* The version of all of it: of the library, the Lua modules and the command. */
#ifndef VI_MESSAGE_VERSION_H
#define VI_MESSAGE_VERSION_H

#define VI_VERSION "0.1.0"

#endif
