#include "lib/filters/matrix3.h"

#include <algorithm>
#include <cmath>

namespace untiled::filters {
namespace {

double cofactor(const Matrix3& m, size_t row, size_t col) {
  const size_t r1 = (row + 1) % 3;
  const size_t r2 = (row + 2) % 3;
  const size_t c1 = (col + 1) % 3;
  const size_t c2 = (col + 2) % 3;
  return m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1];
}

/// Makes m[p][q] zero by a rotation, which `vectors` (rows) take part in.
void rotate(Matrix3& m, Matrix3& vectors, size_t p, size_t q) {
  if (m[p][q] == 0) return;
  const double theta = (m[q][q] - m[p][p]) / (2 * m[p][q]);
  const double sign = theta < 0 ? -1.0 : 1.0;
  const double t = sign / (std::abs(theta) + std::sqrt(theta * theta + 1));
  const double c = 1 / std::sqrt(t * t + 1);
  const double s = t * c;
  for (size_t k = 0; k < 3; ++k) {
    const double kp = m[k][p];
    const double kq = m[k][q];
    m[k][p] = c * kp - s * kq;
    m[k][q] = s * kp + c * kq;
  }
  for (size_t k = 0; k < 3; ++k) {
    const double pk = m[p][k];
    const double qk = m[q][k];
    m[p][k] = c * pk - s * qk;
    m[q][k] = s * pk + c * qk;
    const double vp = vectors[p][k];
    const double vq = vectors[q][k];
    vectors[p][k] = c * vp - s * vq;
    vectors[q][k] = s * vp + c * vq;
  }
  m[p][q] = m[q][p] = 0;
}

}  // namespace

double dot(const Vector3& a, const Vector3& b) { return (a[0] * b[0] + a[1] * b[1]) + a[2] * b[2]; }

Vector3 unit(const Vector3& v) {
  const double length = std::sqrt(dot(v, v));
  return {v[0] / length, v[1] / length, v[2] / length};
}

Matrix3 with_unit_rows(const Matrix3& m) { return {unit(m[0]), unit(m[1]), unit(m[2])}; }

Matrix3 inverted(const Matrix3& m) {
  const Vector3 first = {cofactor(m, 0, 0), cofactor(m, 0, 1), cofactor(m, 0, 2)};
  const double determinant = dot(m[0], first);
  Matrix3 inverse;
  for (size_t row = 0; row < 3; ++row) {
    for (size_t col = 0; col < 3; ++col) inverse[row][col] = cofactor(m, col, row) / determinant;
  }
  return inverse;
}

Eigen3 symmetric_eigen(Matrix3 m) {
  constexpr int kMostSweeps = 50;
  Matrix3 vectors = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    if (m[0][1] == 0 && m[0][2] == 0 && m[1][2] == 0) break;
    rotate(m, vectors, 0, 1);
    rotate(m, vectors, 0, 2);
    rotate(m, vectors, 1, 2);
  }
  std::array<size_t, 3> order = {0, 1, 2};
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return m[a][a] < m[b][b]; });
  Eigen3 result;
  for (size_t i = 0; i < 3; ++i) {
    result.values[i] = m[order[i]][order[i]];
    result.vectors[i] = vectors[order[i]];
  }
  return result;
}

}  // namespace untiled::filters
