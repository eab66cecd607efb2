"""The marketplace's default categories, for where no database can be asked."""

DEFAULT_CATEGORIES = (
    "Electronics",
    "Computer Accessories",
    "Audio Equipment",
    "Mobile Accessories",
    "Computer Storage",
    "Clothing",
    "Men's Clothing",
    "Women's Clothing",
    "Accessories",
    "Home & Garden",
    "Kitchen",
    "Bedroom",
    "Bathroom",
    "Living Room",
    "Garden",
    "Sports & Outdoors",
    "Books",
    "Toys & Games",
    "Health & Beauty",
    "Food & Beverage",
)
