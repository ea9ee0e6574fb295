/* Read by jextract in place of the system header. On Linux size_t is a long, which Windows makes
   four bytes wide; long long is eight bytes on every platform that Nacre runs on, so that one
   generated package serves them all. */
#pragma once
typedef unsigned long long size_t;
typedef long long ptrdiff_t;
#define NULL ((void *)0)
