"""What several test files share: nothing that asserts, only what sets a scene."""
