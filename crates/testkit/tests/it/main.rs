//! What tests are driven with, driven by tests.

mod browser;
