// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_V2TIM_STRING_H
#define ADIEU_V2TIM_STRING_H

#include "V2TIMDefine.h"

#include <string>

/// Text in UTF-8.
class TIM_API V2TIMString {
public:
  V2TIMString() = default;
  /// NULL is the empty string.
  V2TIMString(const char *text) : text_(text != nullptr ? text : "") {}
  V2TIMString(const char *text, size_t size)
      : text_(text != nullptr ? std::string(text, size) : std::string()) {}
  V2TIMString(const std::string &text) : text_(text) {}
#ifdef __cpp_char8_t
  V2TIMString(const char8_t *text) : V2TIMString(reinterpret_cast<const char *>(text)) {}
#endif
  V2TIMString(const V2TIMString &) = default;
  V2TIMString &operator=(const V2TIMString &) = default;
  V2TIMString &operator=(const char *text) { return *this = V2TIMString(text); }
  virtual ~V2TIMString() = default;

  bool operator==(const V2TIMString &other) const { return text_ == other.text_; }
  bool operator!=(const V2TIMString &other) const { return text_ != other.text_; }
  bool operator<(const V2TIMString &other) const { return text_ < other.text_; }
  char &operator[](int index) { return text_[static_cast<size_t>(index)]; }

  /// Bytes.
  size_t Size() const { return text_.size(); }
  size_t Length() const { return text_.size(); }
  bool Empty() const { return text_.empty(); }
  const char *CString() const { return text_.c_str(); }

private:
  std::string text_;
};

DEFINE_VECTOR(V2TIMString)
using V2TIMStringVector = TXV2TIMStringVector;

#endif
