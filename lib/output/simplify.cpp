#include "lib/output/simplify.h"

#include <geos_c.h>

#include <cmath>
#include <utility>
#include <vector>

#include "lib/core/error.h"

namespace untiled {

/// A GEOS context and what is made in it.
class Simplifier::Geos {
 public:
  Geos() : context_(GEOS_init_r()) {}
  ~Geos() { GEOS_finish_r(context_); }
  Geos(const Geos&) = delete;
  Geos& operator=(const Geos&) = delete;

  struct Free {
    GEOSContextHandle_t context;
    void operator()(GEOSGeometry* geometry) const { GEOSGeom_destroy_r(context, geometry); }
  };
  using Geometry = std::unique_ptr<GEOSGeometry, Free>;

  Geometry own(GEOSGeometry* geometry) const { return Geometry(geometry, Free{context_}); }

  Geometry to_geometry(const PixelPolygon& polygon) const {
    std::vector<GEOSGeometry*> rings = {to_ring(polygon.exterior)};
    polygon.holes.for_each([&](const Ring& ring) { rings.push_back(to_ring(ring)); });
    return own(GEOSGeom_createPolygon_r(context_, rings.front(), rings.data() + 1,
                                        static_cast<unsigned>(rings.size() - 1)));
  }

  /// Nothing where the result is not one valid polygon.
  Geometry simplify(const Geometry& polygon, double tolerance) const {
    Geometry simple = own(GEOSTopologyPreserveSimplify_r(context_, polygon.get(), tolerance));
    const bool good = simple && GEOSGeomTypeId_r(context_, simple.get()) == GEOS_POLYGON &&
                      GEOSisEmpty_r(context_, simple.get()) == 0 &&
                      GEOSisValid_r(context_, simple.get()) == 1 &&
                      hole_count(simple.get()) == hole_count(polygon.get());
    return good ? std::move(simple) : own(nullptr);
  }

  std::vector<Ring> rings_of(const Geometry& polygon) const {
    std::vector<Ring> rings = {to_ring(GEOSGetExteriorRing_r(context_, polygon.get()))};
    for (int i = 0; i < hole_count(polygon.get()); ++i) {
      rings.push_back(to_ring(GEOSGetInteriorRingN_r(context_, polygon.get(), i)));
    }
    return rings;
  }

 private:
  int hole_count(const GEOSGeometry* polygon) const {
    return GEOSGetNumInteriorRings_r(context_, polygon);
  }

  GEOSGeometry* to_ring(const Ring& ring) const {
    GEOSCoordSequence* corners =
        GEOSCoordSeq_create_r(context_, static_cast<unsigned>(ring.size() + 1), 2);
    for (size_t i = 0; i <= ring.size(); ++i) {
      const PixelCorner& at = ring[i < ring.size() ? i : 0];
      GEOSCoordSeq_setXY_r(context_, corners, static_cast<unsigned>(i), at.x, at.y);
    }
    GEOSGeometry* geometry = GEOSGeom_createLinearRing_r(context_, corners);
    if (geometry == nullptr) throw InternalError("GEOS refused a ring of a contour");
    return geometry;
  }

  Ring to_ring(const GEOSGeometry* line) const {
    const GEOSCoordSequence* corners = GEOSGeom_getCoordSeq_r(context_, line);
    unsigned count = 0;
    GEOSCoordSeq_getSize_r(context_, corners, &count);
    Ring ring;
    for (unsigned i = 0; i + 1 < count; ++i) {
      double x = 0;
      double y = 0;
      GEOSCoordSeq_getXY_r(context_, corners, i, &x, &y);
      ring.push_back({static_cast<int32_t>(std::lround(x)), static_cast<int32_t>(std::lround(y))});
    }
    return ring;
  }

  GEOSContextHandle_t context_;
};

Simplifier::Simplifier(double tolerance)
    : tolerance_(tolerance), geos_(tolerance > 0 ? std::make_unique<Geos>() : nullptr) {}

Simplifier::~Simplifier() = default;

std::vector<Ring> Simplifier::operator()(const PixelPolygon& polygon) const {
  constexpr int64_t kMostWork = 50'000'000;
  constexpr int64_t kRectangle = 4;
  const int64_t corners = static_cast<int64_t>(polygon.exterior.size()) + polygon.holes.corners();
  if (!geos_ || corners == kRectangle || corners * (polygon.holes.rings() + 1) > kMostWork)
    return {};
  const auto simple = geos_->simplify(geos_->to_geometry(polygon), tolerance_);
  if (!simple) return {};
  return geos_->rings_of(simple);
}

}  // namespace untiled
