"""Help by topic, and the meaning of terms, in English and Chinese. The texts are files of the package."""
