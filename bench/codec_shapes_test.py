import hashlib
import json
import unittest

from codec import shapes


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.documents = shapes.documents()

    def test_are_the_five_shapes_in_the_order_of_the_columns(self):
        self.assertEqual(tuple(self.documents), shapes.NAMES)

    def test_have_the_sizes_that_published_figures_are_of(self):
        sizes = {name: len(text) for name, text in self.documents.items()}
        self.assertEqual(sizes, {"user": 345, "users100": 29750, "deep": 1901,
                                 "numbers": 388866, "text": 1048658})

    def test_are_the_same_each_time(self):
        digests = [hashlib.sha256(b"".join(each.values())).hexdigest()
                   for each in (self.documents, shapes.documents())]
        self.assertEqual(digests[0], digests[1])

    def test_nest_as_deep_as_they_say(self):
        node, depth = json.loads(self.documents["deep"]), 1
        while "child" in node:
            node, depth = node["child"], depth + 1
        self.assertEqual(depth, shapes.LEVELS)

    def test_have_no_number_that_is_its_default_and_would_be_left_out(self):
        self.assertNotIn(0.0, json.loads(self.documents["numbers"])["doubles"])

    def test_have_text_of_every_kind(self):
        text = self.documents["text"]
        for piece in (b'\\"', b"\\n", b"\\\\", b"\\ud83d\\ude80", "東京都".encode()):
            self.assertIn(piece, text)


if __name__ == "__main__":
    unittest.main()
