// What the two C++ programs share: they read a kind and a number of calls, and print nanoseconds per
// call.
#include <atomic>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

inline std::atomic<int> told{0};

inline void wait_for(int count) {
  while (told < count)
    std::this_thread::sleep_for(std::chrono::microseconds(20));
}

template <class Delete, class Pin> void rounds(Delete &&delete_one, Pin &&pin_one) {
  std::string kind;
  int calls;
  while (std::cin >> kind >> calls) {
    std::vector<std::string> ids;
    for (int i = 0; i < calls; ++i)
      ids.push_back((kind == "refused" ? "no id " : "c2c_u") + std::to_string(i));
    told = 0;
    const auto begun = std::chrono::steady_clock::now();
    for (const std::string &id : ids)
      kind == "pin" ? pin_one(id) : delete_one(id);
    wait_for(calls);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begun;
    std::cout << took.count() / calls << std::endl;
  }
}
