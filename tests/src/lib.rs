//! Whole-system tests with real clients.
