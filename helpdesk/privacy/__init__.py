"""What is stored of people, and until when: retention, erasure, holds, and what they may ask for."""
