/* Read by jextract in place of the system header, whose types would contradict those of stdint.h
   beside this file. Nothing of it is bound. */
#pragma once
#include <stddef.h>
