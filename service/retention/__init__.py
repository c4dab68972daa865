"""What is kept: old arrays go, objects that no row names are collected, lost ones are found and computed again."""
