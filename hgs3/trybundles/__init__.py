"""Pushes that become bundles in the store: taken apart, kept, given back."""
