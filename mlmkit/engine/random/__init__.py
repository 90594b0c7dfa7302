"""The random part: its pattern, its cross-products, and the factorisation of ΛᵀZᵀWZΛ + I."""
