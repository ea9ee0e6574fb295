/* Read by jextract in place of the system header; stdlib.h beside this file says why. */
#pragma once
#include <stddef.h>
typedef struct FILE FILE;
