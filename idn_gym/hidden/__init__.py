"""Hidden quality: answers are drawn, rewards use the truth, accuracies in force are estimated."""
