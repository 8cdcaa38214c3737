"""The mathematics of the course: pure functions on arrays, each returning its value and its pullback."""
