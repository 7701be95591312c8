"""Elementary functions over vector registers, by polynomials that are fitted here."""
