-- The default whitelist of categories and the sample vendors.

insert into product_categories (category_name) values
    ('Electronics'), ('Computer Accessories'), ('Audio Equipment'), ('Mobile Accessories'), ('Computer Storage'),
    ('Clothing'), ('Men''s Clothing'), ('Women''s Clothing'), ('Accessories'), ('Home & Garden'), ('Kitchen'),
    ('Bedroom'), ('Bathroom'), ('Living Room'), ('Garden'), ('Sports & Outdoors'), ('Books'), ('Toys & Games'),
    ('Health & Beauty'), ('Food & Beverage')
on conflict do nothing;

insert into vendors (vendor_id, vendor_name, email) values
    ('VEND001', 'TechGear', 'contact@techgear.com'),
    ('VEND002', 'StyleWear', 'sales@stylewear.com'),
    ('VEND003', 'HomeEssentials', 'info@homeess.com')
on conflict do nothing;
