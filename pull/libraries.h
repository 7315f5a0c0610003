/* libraries.h: what bora pull needs of the system, and nothing else does: loaded when it is used. */
#ifndef LIBRARIES_H
#define LIBRARIES_H

#define LIBRARY_CURL   "libcurl.so.4"
#define LIBRARY_CRYPTO "libcrypto.so.3"

#endif
