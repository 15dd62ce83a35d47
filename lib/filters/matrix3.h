// Small matrices in float64, each operation in one order.
#pragma once

#include <array>

namespace untiled::filters {

using Vector3 = std::array<double, 3>;
using Matrix3 = std::array<Vector3, 3>;  ///< Rows.

double dot(const Vector3& a, const Vector3& b);
/// Scaled to length 1.
Vector3 unit(const Vector3& v);
Matrix3 with_unit_rows(const Matrix3& m);
/// By cofactors; the determinant must not be 0.
Matrix3 inverted(const Matrix3& m);

struct Eigen3 {
  Vector3 values;   ///< Rising.
  Matrix3 vectors;  ///< Row i belongs to value i; of unit length, their signs are arbitrary.
};

/// Of a symmetric matrix, by cyclic Jacobi rotations (Golub and Van Loan, section 8.5): the same
/// bits on every machine, whatever linear algebra it has.
Eigen3 symmetric_eigen(Matrix3 m);

}  // namespace untiled::filters
