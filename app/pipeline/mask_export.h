// Masks and probabilities of a batch's slides, by a checkpoint's network.
#pragma once

#include "app/batch/shared_batch.h"
#include "app/pipeline/tile_decoder.h"
#include "app/pipeline/trained_model.h"
#include "lib/output/slide_outputs.h"

namespace untiled {

/// What is done with every slide.
struct MaskExport {
  TrainedModel model;
  OutputOptions output;
  double threshold = 0.5;  ///< Probability from which a pixel counts, one class only.
  TileDecoder decoder = {};

  const Settings& settings() const { return model.settings(); }
};

/// Rank 0's part of a slide: its files are written, and what the mask holds is reported. Throws
/// SlideFailure (an unknown scale), ConfigError, DataError, Interrupted.
SlideResult export_masks(const MaskExport& e, SharedBatch& batch, SlideTask task);
/// The part of another rank.
void export_share(const MaskExport& e, const SharedBatch& batch, const SharedSlide& shared);

}  // namespace untiled
