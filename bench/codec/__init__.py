"""The codec's benchmark: JSON to protobuf wire and back, beside the best libraries that do it."""
