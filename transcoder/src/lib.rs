//! Ladder policy, segment clock, worker processes: source in, renditions out.
