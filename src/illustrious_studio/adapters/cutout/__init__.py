"""Background removal with U2-Net."""
