{
  "targets": [{
    "target_name": "adieu",
    "sources": ["src/addon.c", "src/call.c", "src/client.c", "src/registry.c", "src/values.c"],
    "include_dirs": ["<!(node -p \"process.env.ADIEU_INCLUDE || '../../include'\")"],
    "libraries": ["-L<!(node -p \"process.env.ADIEU_LIBDIR || require('path').resolve('../../target/release')\")", "-ladieu"],
    "ldflags": ["-Wl,-rpath,'$$ORIGIN'"]
  }]
}
