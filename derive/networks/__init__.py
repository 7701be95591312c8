"""Networks: compositions of layers with names and sizes; `build` emits them."""
