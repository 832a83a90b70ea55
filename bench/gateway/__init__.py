"""The gateway benchmark: CPU per request of Parley and its peers over one canned upstream."""
