/* GNUstep with GCC's libobjc: libBlocksRuntime does not retain the objects that a block captures, as
 * every Apple system does. Its functions are weak, so this stands in for them. Link it into the
 * program, and -lBlocksRuntime before -lgnustep-base. */
#import <Foundation/Foundation.h>
#include <dlfcn.h>

enum { BLOCK_FIELD_IS_OBJECT = 3 };

void _Block_object_assign(void *destination, const void *object, const int flags) {
  static void (*next)(void *, const void *, const int);
  if (flags == BLOCK_FIELD_IS_OBJECT) {
    *(id *)destination = [(id)object retain];
    return;
  }
  if (next == NULL)
    next = dlsym(RTLD_NEXT, "_Block_object_assign");
  next(destination, object, flags);
}

void _Block_object_dispose(const void *object, const int flags) {
  static void (*next)(const void *, const int);
  if (flags == BLOCK_FIELD_IS_OBJECT) {
    [(id)object release];
    return;
  }
  if (next == NULL)
    next = dlsym(RTLD_NEXT, "_Block_object_dispose");
  next(object, flags);
}
