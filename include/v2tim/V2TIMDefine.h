// What the other headers of this folder share. They are source-compatible with the vendor's C++
// classes as far as conversations go, and lie on adieu.hpp: header-only, C++17, link libadieu.
//
// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_V2TIM_DEFINE_H
#define ADIEU_V2TIM_DEFINE_H

#include <cstddef>
#include <cstdint>
#include <vector>

#ifndef TIM_API
#define TIM_API
#endif

/// Grows at its end.
template <class T> class TXVector {
public:
  void PushBack(const T &item) { items_.push_back(item); }
  void PopBack() { items_.pop_back(); }
  void Clear() { items_.clear(); }
  size_t Size() const { return items_.size(); }
  bool Empty() const { return items_.empty(); }
  T &operator[](size_t index) { return items_[index]; }
  const T &operator[](size_t index) const { return items_[index]; }
  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

private:
  std::vector<T> items_;
};

#define DEFINE_VECTOR(X) using TX##X##Vector = TXVector<X>;

using V2TIMUInt64Vector = TXVector<uint64_t>;

#endif
