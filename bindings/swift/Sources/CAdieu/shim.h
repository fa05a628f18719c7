// SwiftPM wants a module map within the package; the header is found with -I, or through pkg-config.
#include <adieu.h>
