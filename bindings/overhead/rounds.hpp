// What the two C++ programs share.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

constexpr int CALLS = 2000, ROUNDS = 10;
inline std::atomic<int> told{0};

inline void wait_for(int count) {
  while (told < count)
    std::this_thread::sleep_for(std::chrono::microseconds(20));
}

template <class Call> void rounds(int argc, Call &&call) {
  const std::string prefix = argc > 1 ? "no id " : "c2c_u";
  double best = 1e18;
  for (int round = 0; round < ROUNDS; ++round) {
    told = 0;
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < CALLS; ++i)
      call(prefix + std::to_string(i));
    wait_for(CALLS);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begun;
    best = std::min(best, took.count() / CALLS);
  }
  std::printf("%.0f\n", best);
}
