/* host.h: what a host must be. Guests see little-endian memory, which is read
 * and written in place, and addresses of 64 bits are kept in pointers' size. */
#ifndef POME_HOST_H
#define POME_HOST_H

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pome runs on little-endian hosts only: guest memory is used in place."
#endif
#if __SIZEOF_POINTER__ != 8
#error "pome runs on 64-bit hosts only: a guest's memory has to fit in it."
#endif

#endif
