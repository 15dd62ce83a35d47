// What else than a label a person might have drawn: how far a label can be relied on.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "data/tissue/ink.h"

namespace untiled {

/// Another mask that might be meant.
struct Reading {
  double dice = 1;    ///< Of the label with it.
  double weight = 1;  ///< How likely it is meant, 0 to 1.
  std::string reason;
};

/// A label and what is known of its pixels. Masks are of 0 and 1, strengths CV_32F.
struct LabelEvidence {
  const cv::Mat& mask;
  const cv::Mat& walls;  ///< As of fat's cells.
  const cv::Mat& total;  ///< Distance from the background.
  const cv::Mat& light;  ///< Its parts, as in robust.h.
  const cv::Mat& colour;
  const cv::Mat& smooth;  ///< As smooth as the glass; empty: unknown.
  const cv::Mat& film;    ///< Smooth, faint and taken for glass; empty: nowhere.
  const cv::Mat& grey;    ///< Without colour, and left out for that.
  const Ink& ink;
  double high = 0;  ///< The distance from which something is there for sure.
  bool dark = false;
  double um = 1;
};

/// Fat and empty spaces left out, more fat taken in, what ink covers decided the other way, parts
/// as smooth as glass or no darker left out, smooth films and grey parts taken in, nothing at all
/// where the label has no colour or ink is nearly everything that was found. Over a dark background
/// parts that are much fainter than the rest left out.
std::vector<Reading> other_readings(const LabelEvidence& label);

/// What a reading leaves of the confidence: half where it is sure and its Dice is 0.85.
double trust_in(const Reading& reading);

}  // namespace untiled
