"""What the interfaces share beyond HTTP: requests that bring pictures, and how the studio is."""
