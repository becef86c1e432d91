"""Control maps by OpenCV, and by networks in files of the user's."""
