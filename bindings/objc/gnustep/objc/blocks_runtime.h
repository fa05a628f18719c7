/* The header that GNUstep's base asks for and GCC's libobjc does not have. */
#include <Block.h>
