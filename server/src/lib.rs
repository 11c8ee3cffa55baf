//! Configuration, assembly and the binary `rivulet`.
